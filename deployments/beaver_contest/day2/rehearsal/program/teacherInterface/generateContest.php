<?php // as upstream's teacherInterface/generateContest.php:21-45,479-530
require_once '../shared/common.php';
require_once '../tasks/bebras/Bebras.php';
initSession();
if (empty($_SESSION['isAdmin'])) { exitWithJsonFailure('admin only'); }
$folder = 'contests/'.$_REQUEST['contestFolder'];
$id = $_REQUEST['contestID'];
put_object("$folder/contest_$id.html", task_page(), 'text/html');
put_object("$folder/contest_{$id}_sols.html", 'solutions', 'text/html');
exitWithJson(array('success' => true, 'names' => implode(array("contest_$id.html", "contest_{$id}_sols.html"), ',')));
