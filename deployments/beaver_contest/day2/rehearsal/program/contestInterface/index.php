<?php // as upstream's contestInterface/config.php:36-50 and index.php:13-20,146
require __DIR__.'/../config.php';
function static_asset($path) { global $config; return $config->teacherInterface->sAssetsStaticPath.$path.'?v='.$config->timestamp; }
function script_tag($path) { echo "<script type=\"text/javascript\" src=\"".static_asset($path)."\"></script>\n"; }
?><!DOCTYPE html><html><head>
<script>window.timestamp = <?= $config->timestamp ?>; window.contestsRoot = <?= json_encode($config->teacherInterface->sAbsoluteStaticPath.'/contests') ?>;</script>
<?php script_tag('/common.js'); ?>
</head><body><?= strlen($_SERVER['HTTP_USER_AGENT']) > 0 ? 'browser' : 'unknown' ?></body></html>
