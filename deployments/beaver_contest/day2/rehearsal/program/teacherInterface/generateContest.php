<?php // as upstream's teacherInterface/generateContest.php:130-150,256-529
require_once '../shared/common.php';
require_once '../tasks/bebras/Bebras.php';
initSession();
if (empty($_SESSION['isAdmin'])) { exitWithJsonFailure('admin only'); }
$id = $_REQUEST['contestID'];
$folder = $_REQUEST['contestFolder'];
switch ($_REQUEST['action']) {
   case 'prepare':
      $stmt = $db->prepare("SELECT `question`.* FROM `contest_question` JOIN `question` ON `question`.`ID` = `contest_question`.`questionID` WHERE `contest_question`.`contestID` = ?");
      $stmt->execute(array($id));
      $questions = $stmt->fetchAll();
      exitWithJson(array('success' => true, 'questionsUrl' => array_column($questions, 'path'), 'questionsKey' => array_column($questions, 'key'), 'contestFolder' => preg_replace("/(\.[0-9]+)+$/", "", $folder).'.'.time()));
   case 'generate':
      $pages = array('html' => '', 'sols' => '', 'graders' => '');
      foreach (json_decode($_REQUEST['tasks'], true) as $task) {
         put_object("contests/$folder/".$task['key'].'/bebras.js', 'var json = '.json_encode($task['bebras']), 'application/javascript', true);
         foreach (task_pages($task['bebras']) as $page => $content) { $pages[$page] .= $content; }
      }
      put_object("contests/$folder/index.txt", 'part_0.html', 'text/plain', true);
      put_object("contests/$folder/contest_$id.html", $pages['html'], 'text/html', true);
      put_object("contests/$folder/contest_{$id}_sols.html", $pages['sols'], 'text/html', false);
      put_object("contests/$folder/contest_{$id}_graders.html", $pages['graders'], 'text/html', false);
      put_object("contests/$folder/.htaccess", implode(array('<Files "bebras.js">', 'Deny from all', '</Files>'), "\n"), 'text/plain', false);
      exitWithJson(array('success' => true));
   case 'setFolder':
      $stmt = $db->prepare("UPDATE `contest` SET `folder` = ? WHERE `ID` = ?");
      exitWithJson(array('success' => $stmt->execute(array($folder, $id))));
}
exitWithJsonFailure('unknown action');
