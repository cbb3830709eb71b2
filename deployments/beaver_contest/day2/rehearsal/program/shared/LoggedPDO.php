<?php // M1, as upstream's shared/LoggedPDO.php:26
class LoggedPDO extends PDO
{
    public function query($query) { return parent::query($query); }
}
