<?php

// The contest asks for it; PHP 8 has it no more, and nothing was ever quoted by magic since PHP 5.4.
if (!function_exists('get_magic_quotes_gpc')) {
    function get_magic_quotes_gpc()
    {
        return false;
    }
}
