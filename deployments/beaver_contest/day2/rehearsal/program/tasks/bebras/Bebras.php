<?php function task_page() { return "<html>a task</html>"; }
