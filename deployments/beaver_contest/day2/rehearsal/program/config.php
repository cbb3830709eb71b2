<?php // as upstream's config.php:8-80
global $config;
$config = (object) array('timestamp' => false, 'minimumCommonJsVersion' => 2);
foreach (array('db', 'aws', 'contestInterface', 'teacherInterface') as $part) { $config->$part = (object) array(); }
$config->db->mysql = (object) array('logged' => false);
if (is_readable(__DIR__.'/config_local.php')) { include_once __DIR__.'/config_local.php'; }
if ($config->timezone) { date_default_timezone_set($config->timezone); }
