<?php
// An application in PHP that gets the gateway's cookies, and asks the gateway whose they are.

/** Who is signed in; null for nobody. Ends with 503 if the gateway does not answer. */
function visitor(): ?array
{
    $context = stream_context_create(['http' => [
        'header' => 'Cookie: ' . ($_SERVER['HTTP_COOKIE'] ?? ''),
        'ignore_errors' => true,
        'timeout' => 10,
    ]]);
    $answer = @file_get_contents(getenv('GATEWAY_URL') . 'auth/session', false, $context);
    preg_match('/ (\d{3})/', $http_response_header[0] ?? '', $status);
    if (($status[1] ?? '') === '401') {
        return null;
    }
    if ($answer === false || ($status[1] ?? '') !== '200') {
        http_response_code(503);
        exit('We cannot tell who you are at the moment.');
    }
    return json_decode($answer, true);
}

$visitor = visitor();
if ($visitor === null) {
    $back = 'https://' . $_SERVER['HTTP_HOST'] . $_SERVER['REQUEST_URI'];
    header('Location: ' . getenv('AUTH_URL') . 'auth/signin?rd=' . rawurlencode($back));
    exit;
}
if (!in_array('editors', $visitor['groups'], true)) {
    http_response_code(403);
    exit('For editors only.');
}
header('Cache-Control: no-store');
echo '<!doctype html><title>Statistics</title><p>Hello, ', htmlspecialchars($visitor['username']), '.';
