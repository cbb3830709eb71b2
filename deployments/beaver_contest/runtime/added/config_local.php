<?php

// Shipped with every version: everything comes from the environment's properties, secrets from files that only the
// web server's account may read. What else a contest sets goes into config/index.php, which is read after this.

(function () use ($config) {
    $get = static fn (string $name): string => (string) getenv($name);
    $secret = static function (string $name): array {
        $file = (getenv('BEAVER_STATE') ?: '/var/lib/beaver')."/$name.json";
        return is_readable($file) ? (array) json_decode(file_get_contents($file), true) : [];
    };
    $dynamo = $get('DATABASE_USE') === 'dynamoDB';

    $config->db->use = $get('DATABASE_USE');
    $config->db->dynamoSessions = $dynamo;
    $config->db->dynamoDBPrefix = $get('TABLE_PREFIX');
    $config->db->dynamoDBTTL = $get('ITEM_TTL_SECONDS') === '' ? null : (int) $get('ITEM_TTL_SECONDS');

    $master = $secret('database');
    $config->db->mysql->host = $get('RDS_HOSTNAME');
    $config->db->mysql->port = (int) $get('RDS_PORT');
    $config->db->mysql->database = $get('RDS_DB_NAME');
    $config->db->mysql->user = $master['username'] ?? '';
    $config->db->mysql->password = $master['password'] ?? '';

    $key = $secret('aws');
    $config->aws->key = $key['key'] ?? '';
    $config->aws->secret = $key['secret'] ?? '';
    $config->aws->region = $get('BEAVER_REGION');
    $config->aws->bucketName = $get('STATIC_BUCKET');
    $config->aws->s3region = $get('BEAVER_REGION');

    $config->timezone = $get('TIMEZONE');
    $config->defaultLanguage = $get('DEFAULT_LANGUAGE');
    $version = trim((string) @file_get_contents(__DIR__.'/quintet/version'));
    // Pages print it into a script as it is, so it has digits only.
    $config->timestamp = (int) hexdec(substr($version, 0, 12));

    // Upstream adds '/contests', '/common.js', '/recover.php' to these; only contestInterface->baseUrl is followed by '?'.
    $static = rtrim($get('STATIC_URL'), '/');
    $contest = rtrim($get('CONTEST_URL'), '/');
    $admin = rtrim($get('ADMIN_URL'), '/');

    $config->contestInterface->sessionLength = (int) $get('SESSION_LENGTH_SECONDS');
    $config->contestInterface->baseUrl = $contest.'/';
    $config->contestInterface->sAbsoluteStaticPathNoS3 = $contest;
    $config->contestInterface->sAssetsStaticPathNoS3 = $contest;
    $config->contestOfficialURL = $contest.'/';

    $config->teacherInterface->baseUrl = $admin;
    $config->teacherInterface->sCoordinatorFolder = $admin;
    $config->teacherInterface->generationMode = $get('GENERATION_MODE');
    $config->teacherInterface->sAbsoluteStaticPath = $static;
    $config->teacherInterface->sAbsoluteStaticPathOldIE = $static;
    // Each version has its own assets, so that a page never meets another version's.
    $config->teacherInterface->sAssetsStaticPath = $static.'/assets/'.$version;
})();
