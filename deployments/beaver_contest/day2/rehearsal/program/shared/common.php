<?php // as upstream's shared/common.php:5-31 and contestInterface/common_contest.php
require_once __DIR__.'/../vendor/autoload.php';
require_once __DIR__.'/connect.php';
if (get_magic_quotes_gpc()) { die('magic'); }

function initSession() {
   global $config;
   session_set_save_handler(new DynamoSessions($config->db->dynamoDBPrefix.'sessions'), true);
   session_name('contest2');
   if (isset($_POST["SID"]) && $_POST["SID"] != "") { session_id($_POST["SID"]); }
   session_start();
}

function exitWithJson($answer) { echo json_encode($answer); exit; }
function exitWithJsonFailure($message) { exitWithJson(array('success' => false, 'message' => $message)); }
