<?php // as upstream's contestInterface/solutions.php:9-79
require_once '../shared/common.php';
initSession();
if (!isset($_SESSION['closed'])) { exitWithJsonFailure('contest is not over (solutions)!'); }
$stmt = $db->prepare("SELECT `contest`.* FROM `team` JOIN `contest` ON `contest`.`ID` = `team`.`contestID` WHERE `team`.`ID` = ?");
$stmt->execute(array($_SESSION['teamID']));
$row = $stmt->fetchObject();
if (!$row->showSolutions) { exitWithJsonFailure('solutions non disponibles pour ce concours'); }
exitWithJson(array('success' => true, 'solutionsUrl' => presigned_url("contests/$row->folder/contest_{$row->ID}_sols.html", 600)));
