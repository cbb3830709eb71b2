<?php // M4, as upstream's teacherInterface/login.php:82-106
require_once '../shared/common.php';
initSession();
$stmt = $db->prepare("SELECT * FROM `user` WHERE `officialEmail` = ?");
$stmt->execute(array($_POST['email']));
$row = $stmt->fetchObject();
if (!$row || md5($_POST['password'].$row->salt) !== $row->passwordMd5) { exitWithJsonFailure('unknown'); }
if ($row->validated !== "1") { exitWithJsonFailure('not validated'); }
$_SESSION['isAdmin'] = $row->isAdmin;
exitWithJson(array('success' => true));
