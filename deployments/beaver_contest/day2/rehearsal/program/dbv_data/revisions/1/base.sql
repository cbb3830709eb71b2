-- the columns of upstream's tables that this program uses; tmpScore is missing, as in upstream's revisions
CREATE TABLE `contest` (`ID` bigint PRIMARY KEY, `name` varchar(50), `folder` varchar(50), `open` varchar(20), `nbMinutes` int, `showSolutions` tinyint);
CREATE TABLE `group` (`ID` bigint PRIMARY KEY, `contestID` bigint, `name` varchar(50), `code` varchar(20), `password` varchar(20));
CREATE TABLE `team` (`ID` bigint PRIMARY KEY, `groupID` bigint, `contestID` bigint, `password` varchar(20), `nbMinutes` int, `startTime` datetime, `endTime` datetime);
CREATE TABLE `question` (`ID` bigint PRIMARY KEY, `key` varchar(50), `name` varchar(50), `path` varchar(100));
CREATE TABLE `contest_question` (`ID` bigint PRIMARY KEY, `contestID` bigint, `questionID` bigint, `options` text NOT NULL);
CREATE TABLE `user` (`ID` bigint PRIMARY KEY, `officialEmail` varchar(50), `alternativeEmail` varchar(50), `salt` varchar(40), `passwordMd5` varchar(40), `validated` tinyint, `isAdmin` tinyint, `officialEmailValidated` tinyint, `registrationDate` datetime NOT NULL);
