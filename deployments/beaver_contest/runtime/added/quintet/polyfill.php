<?php

// Runs before every page: what the contest's PHP 5 code expects and PHP 8 has no more.

// Deprecations say nothing about a running contest. Pages of the teacher interface turn display_errors on by themselves,
// where one would break their JSON.
set_error_handler(static fn (): bool => true, E_DEPRECATED | E_USER_DEPRECATED);

// Without it the front page ends in its middle.
$_SERVER['HTTP_USER_AGENT'] ??= '';

// Nothing was ever quoted by magic since PHP 5.4.
if (!function_exists('get_magic_quotes_gpc')) {
    function get_magic_quotes_gpc()
    {
        return false;
    }
}
