<?php // as upstream's teacherInterface/generateContest.php:330-380, where PEMTaskCompiler compiles a task
function task_pages($bebras) {
   return array('html' => $bebras['task'][0]['content'], 'sols' => $bebras['solution'][0]['content'], 'graders' => $bebras['grader'][0]['content']);
}
