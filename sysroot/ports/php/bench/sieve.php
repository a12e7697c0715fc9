<?php
$n = 6000000; $flags = array_fill(0, $n + 1, true); $count = 0;
for ($i = 2; $i <= $n; $i++) { if ($flags[$i]) { $count++; for ($j = $i * 2; $j <= $n; $j += $i) $flags[$j] = false; } }
echo $count, "\n";
