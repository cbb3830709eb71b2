<?php // as upstream's shared/connect.php:5-37
require_once 'LoggedPDO.php';
require_once __DIR__.'/../config.php';

function connect_pdo($dbConfig) {
   $pdo_options[PDO::ATTR_ERRMODE] = PDO::ERRMODE_EXCEPTION;
   $connexionString = "mysql:host=".$dbConfig->mysql->host.";dbname=".$dbConfig->mysql->database.";charset=utf8";
   if (isset($dbConfig->mysql->port)) { $connexionString .= ";port=".$dbConfig->mysql->port; }
   return new PDO($connexionString, $dbConfig->mysql->user, $dbConfig->mysql->password, $pdo_options);
}

$db = connect_pdo($config->db);
