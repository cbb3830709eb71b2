<?php // in place of the AWS SDK: signs with the key and secret of the configuration, and no session token

function aws_signature($secret, $now, $scope, $request) {
   $key = 'AWS4'.$secret;
   foreach (explode('/', $scope) as $part) { $key = hash_hmac('sha256', $part, $key, true); }
   return hash_hmac('sha256', "AWS4-HMAC-SHA256\n$now\n$scope\n".hash('sha256', $request), $key);
}

function aws_call($service, $region, $config, $method, $path, $headers, $body) {
   $endpoint = getenv('AWS_ENDPOINT_URL');
   $now = gmdate('Ymd\THis\Z');
   $day = substr($now, 0, 8);
   $hash = hash('sha256', $body);
   $headers += array('host' => substr($endpoint, 7), 'x-amz-date' => $now, 'x-amz-content-sha256' => $hash);
   ksort($headers);
   $lines = '';
   foreach ($headers as $name => $value) { $lines .= "$name:$value\n"; }
   $names = implode(';', array_keys($headers));
   $scope = "$day/$region/$service/aws4_request";
   $request = "$method\n$path\n\n$lines\n$names\n$hash";
   $signature = aws_signature($config->secret, $now, $scope, $request);
   $sent = array("Authorization: AWS4-HMAC-SHA256 Credential=$config->key/$scope, SignedHeaders=$names, Signature=$signature");
   foreach ($headers as $name => $value) { if ($name !== 'host') { $sent[] = "$name: $value"; } }
   $context = stream_context_create(array('http' => array('method' => $method, 'header' => $sent, 'content' => $body, 'ignore_errors' => true)));
   $answer = file_get_contents($endpoint.$path, false, $context);
   if (!preg_match('/ 2\d\d /', $http_response_header[0])) { throw new Exception($http_response_header[0].' '.$answer); }
   return $answer;
}

function dynamodb($operation, $request) {
   global $config;
   $headers = array('content-type' => 'application/x-amz-json-1.0', 'x-amz-target' => "DynamoDB_20120810.$operation");
   return json_decode(aws_call('dynamodb', $config->aws->region, $config->aws, 'POST', '/', $headers, json_encode($request)), true);
}

function put_object($key, $body, $type, $public) {
   global $config;
   $headers = array('content-type' => $type) + ($public ? array('x-amz-acl' => 'public-read') : array());
   aws_call('s3', $config->aws->s3region, $config->aws, 'PUT', '/'.$config->aws->bucketName.'/'.$key, $headers, $body);
}

function presigned_url($key, $seconds) {
   global $config;
   $endpoint = getenv('AWS_ENDPOINT_URL');
   $now = gmdate('Ymd\THis\Z');
   $scope = substr($now, 0, 8).'/'.$config->aws->s3region.'/s3/aws4_request';
   $path = '/'.$config->aws->bucketName.'/'.$key;
   $query = http_build_query(array('X-Amz-Algorithm' => 'AWS4-HMAC-SHA256', 'X-Amz-Credential' => $config->aws->key."/$scope", 'X-Amz-Date' => $now, 'X-Amz-Expires' => $seconds, 'X-Amz-SignedHeaders' => 'host'));
   $request = "GET\n$path\n$query\nhost:".substr($endpoint, 7)."\n\nhost\nUNSIGNED-PAYLOAD";
   return "$endpoint$path?$query&X-Amz-Signature=".aws_signature($config->aws->secret, $now, $scope, $request);
}

class DynamoSessions implements SessionHandlerInterface // as the SDK's SessionHandler: id, expires, data
{
    private $table;
    function __construct($table) { $this->table = $table; }
    #[\ReturnTypeWillChange] function open($path, $name) { return true; }
    #[\ReturnTypeWillChange] function close() { return true; }
    #[\ReturnTypeWillChange] function gc($lifetime) { return 0; }
    #[\ReturnTypeWillChange] function read($id) {
        $found = dynamodb('GetItem', array('TableName' => $this->table, 'Key' => array('id' => array('S' => $id)), 'ConsistentRead' => true));
        return isset($found['Item']['data']['S']) ? $found['Item']['data']['S'] : '';
    }
    #[\ReturnTypeWillChange] function write($id, $data) {
        $item = array('id' => array('S' => $id), 'expires' => array('N' => (string) (time() + ini_get('session.gc_maxlifetime'))));
        if ($data !== '') { $item['data'] = array('S' => $data); }
        dynamodb('PutItem', array('TableName' => $this->table, 'Item' => $item));
        return true;
    }
    #[\ReturnTypeWillChange] function destroy($id) {
        dynamodb('DeleteItem', array('TableName' => $this->table, 'Key' => array('id' => array('S' => $id))));
        return true;
    }
}
