<?php
// Upstream's own benchmark; of what it prints, the times are left out.
ob_start();
require __DIR__ . '/bench.php';
echo preg_replace('/[\d.]+\n/', "\n", ob_get_clean());
