<?php // as upstream's contestInterface/data.php:92-1038
require_once '../shared/common.php';
initSession();
switch ($_POST['action']) {
   case 'loadSession':
      exitWithJson(array('success' => true, 'SID' => session_id()) + (isset($_SESSION['teamID']) ? array('teamID' => $_SESSION['teamID']) : array()));
   case 'checkPassword':
      if (intval($_POST['commonJsVersion']) < $config->minimumCommonJsVersion) { exitWithJsonFailure('error_old_interface'); }
      $stmt = $db->prepare("SELECT `ID`, `contestID` FROM `group` WHERE `code` = ?");
      $stmt->execute(array($_POST['password']));
      if (!$row = $stmt->fetchObject()) { exitWithJsonFailure('error_invalid_password'); }
      $_SESSION['groupID'] = $row->ID;
      $_SESSION['contestID'] = $row->contestID;
      exitWithJson(array('success' => true, 'contestID' => $row->contestID));
   case 'createTeam':
      if (!isset($_SESSION['groupID'])) { exitWithJsonFailure('no group'); }
      $teamID = (string) random_int(100000, 999999999);
      $password = bin2hex(random_bytes(4));
      $stmt = $db->prepare("INSERT INTO `team` (`ID`, `groupID`, `password`, `nbMinutes`, `contestID`) VALUES (?, ?, ?, 45, ?)");
      $stmt->execute(array($teamID, $_SESSION['groupID'], $password, $_SESSION['contestID']));
      dynamodb('PutItem', array('TableName' => $config->db->dynamoDBPrefix.'team', 'Item' => array('ID' => array('N' => $teamID), 'groupID' => array('N' => $_SESSION['groupID']), 'password' => array('S' => $password))));
      $_SESSION['teamID'] = $teamID;
      exitWithJson(array('success' => true, 'teamID' => $teamID, 'password' => $password));
   case 'loadContestData':
      $stmt = $db->prepare("SELECT `question`.* FROM `contest_question` JOIN `question` ON `question`.`ID` = `contest_question`.`questionID` WHERE `contest_question`.`contestID` = ?");
      $stmt->execute(array($_SESSION['contestID']));
      $questions = array();
      while ($row = $stmt->fetchObject()) { $questions[$row->ID] = $row; }
      $found = dynamodb('Query', array('TableName' => $config->db->dynamoDBPrefix.'team_question', 'ConsistentRead' => true, 'KeyConditions' => array('teamID' => array('ComparisonOperator' => 'EQ', 'AttributeValueList' => array(array('N' => $_SESSION['teamID']))))));
      $answers = array();
      foreach ($found['Items'] as $item) { $answers[$item['questionID']['N']] = $item['answer']['S']; }
      exitWithJson(array('success' => true, 'questionsData' => $questions, 'answers' => $answers));
   case 'startTimer':
      $stmt = $db->prepare("UPDATE `team` SET `startTime` = UTC_TIMESTAMP() WHERE `ID` = ? AND `startTime` IS NULL");
      $stmt->execute(array($_SESSION['teamID']));
      exitWithJson(array('success' => true));
   case 'closeContest':
      $stmt = $db->prepare("UPDATE `team` SET `endTime` = UTC_TIMESTAMP(), `tmpScore` = ? WHERE `ID` = ? AND `endTime` IS NULL");
      $stmt->execute(array($_POST['teamScore'], $_SESSION['teamID']));
      $_SESSION['closed'] = true;
      exitWithJson(array('success' => true));
}
exitWithJsonFailure('Action inconnue');
