<?php // as upstream's teacherInterface/config.php:9-16
require '../config.php'; ?><!DOCTYPE html><html><head>
<script src="<?= $config->teacherInterface->baseUrl.'/admin.js?v='.$config->timestamp ?>"></script></head><body>teachers</body></html>
