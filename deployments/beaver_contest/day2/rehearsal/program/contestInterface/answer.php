<?php // as upstream's contestInterface/answer.php:28-118
require_once '../shared/common.php';
$stmt = $db->prepare("SELECT `password` FROM `team` WHERE `ID` = ?");
$stmt->execute(array($_POST['teamID']));
if ($stmt->fetchColumn() !== $_POST['teamPassword']) { exitWithJsonFailure('Requête invalide (password)'); }
$now = new DateTime(null, new DateTimeZone("UTC"));
$puts = array();
foreach ($_POST['answers'] as $questionID => $answer) {
   $puts[] = array('PutRequest' => array('Item' => array('teamID' => array('N' => $_POST['teamID']), 'questionID' => array('N' => (string) $questionID), 'answer' => array('S' => $answer['answer']), 'date' => array('S' => $now->format('Y-m-d H:i:s')))));
}
dynamodb('BatchWriteItem', array('RequestItems' => array($config->db->dynamoDBPrefix.'team_question' => $puts)));
exitWithJson(array('success' => true));
