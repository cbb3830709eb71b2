"""A tree shaped like the contest's repository, small."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

CONFIG = """<?php
global $config;
$config = (object) array();
$config->timestamp = false;
$config->db = (object) array('use' => 'mysql', 'dynamoSessions' => false, 'dynamoDBPrefix' => '', 'dynamoDBTTL' => null);
$config->db->mysql = (object) array('host' => 'localhost', 'database' => 'castor', 'password' => '', 'user' => '', 'logged' => false);
$config->aws = (object) array('key' => '', 'secret' => '', 'region' => '', 'bucketName' => '', 's3region' => '');
$config->contestInterface = (object) array('baseUrl' => '', 'sessionLength' => 3600);
$config->teacherInterface = (object) array('generationMode' => 'local');
$config->contestOfficialURL = '';
$config->timezone = ini_get('date.timezone');
$config->defaultLanguage = 'en';
if (is_readable(__DIR__.'/config_local.php')) { include_once __DIR__.'/config_local.php'; }
if (is_readable(__DIR__.'/config/index.php')) { include_once __DIR__.'/config/index.php'; }
if ($config->timezone) { date_default_timezone_set($config->timezone); }
"""

SHOW = """<?php
require_once __DIR__.'/../config.php';
header('Content-Type: application/json');
echo json_encode(array(
   'config' => $config,
   'magic' => get_magic_quotes_gpc(),
   'max_input_vars' => ini_get('max_input_vars'),
   'gc_maxlifetime' => ini_get('session.gc_maxlifetime'),
   'timezone' => date_default_timezone_get(),
   'document_root' => $_SERVER['DOCUMENT_ROOT'],
   'fields' => count($_POST),
));
"""

QUERY = """<?php
require_once __DIR__.'/../config.php';
$c = $config->db->mysql;
$db = new PDO("mysql:host=$c->host;port=$c->port;dbname=$c->database;charset=utf8", $c->user, $c->password);
echo $db->query('SELECT COUNT(*) FROM team')->fetchColumn();
"""

DEPRECATED = """<?php
ini_set('display_errors', '1');
error_reporting(E_ALL);
function f($optional = null, $required) {}
new DateTime(null);
echo json_encode(array('fine' => true));
"""

FILES = {
    "index.php": "<?php header('Location: contestInterface');",
    "config.php": CONFIG,
    "config_local.php": "<?php $config->db->mysql->password = 'somebody-s-own-password';",
    "README.md": "The contest",
    "composer.json": '{"require": {"aws/aws-sdk-php": "^3.314"}}',
    ".gitignore": "vendor",
    ".git/HEAD": "ref: refs/heads/master",
    "answersBackupService/Gemfile": "not needed",
    "backupScripts/backup.sh": "not needed",
    "contestInterface/.htaccess": "SetOutputFilter DEFLATE\n<IfModule mod_headers.c>\nHeader append Vary User-Agent\n</IfModule>\n",
    "contestInterface/common.js": "var contest;",
    "contestInterface/register.php": "<?php require_once __DIR__.'/../algoreaRegistration/register.php';",
    "algoreaRegistration/register.php": "<?php",
    "contestInterface/show.php": SHOW,
    "contestInterface/query.php": QUERY,
    "contestInterface/deprecated.php": DEPRECATED,
    "contestInterface/index.php": "<?php echo 'front of contests';",
    "contestInterface/style.css": "body {}",
    "teacherInterface/index.php": "<?php echo 'front of teachers';",
    "teacherInterface/.htaccess": "<IfModule mod_headers.c>\nHeader set X-Teacher yes\n</IfModule>\n",
    "teacherInterface/show.php": SHOW,
    "teacherInterface/bebras-tasks/.htaccess": "Deny from all",
    "teacherInterface/bebras-tasks/2014_FR_01/index.html": "a task",
    "teacherInterface/bebras-tasks/2015_FR_02/index.html": "an old task",
    "teacherInterface/bebras-tasks/old-2015-notes.txt": "old",
    "teacherInterface/bebras-tasks/2016_FR_03/index.html": "a task with é",
    "teacherInterface/bebras-tasks/2016_FR_03/2015.png": "kept: only names in bebras-tasks itself count",
    "teacherInterface/node_modules/left/pad.js": "not needed",
    "dataSanitizer/rules.php": "<?php",
    "schoolsMap/googleMap.inc.php": "<?php",
    "ext/pi-google-maps-api/GoogleMapsAPI.class.php": "<?php",
    "tasks/bebras/Bebras.php": "<?php",
    "shared/connect.php": "<?php",
    "commonFramework/modelsManager/triggers.php": "<?php",
}


def make_checkout(folder: Path, *, composer: bool = True) -> Path:
    """Write the tree; without `composer` it needs no libraries."""
    files = dict(FILES)
    if not composer:
        del files["composer.json"]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither composer nor PHP is there, whatever this machine has."""
    monkeypatch.setenv("PATH", "/nowhere")


def stand_in(folder: Path, name: str, script: str) -> None:
    """A program called `name` in `folder`."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def with_programs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The programs in `folder` come first."""
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin:/bin")
