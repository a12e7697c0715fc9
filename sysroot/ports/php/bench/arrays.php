<?php
mt_srand(42); $a = []; for ($i = 0; $i < 300000; $i++) $a[] = mt_rand(0, 1000000);
sort($a); usort($a, fn($x, $y) => $x % 1000 <=> $y % 1000 ?: $x <=> $y);
$map = []; foreach ($a as $v) $map["k" . $v % 5000] = ($map["k" . $v % 5000] ?? 0) + $v;
ksort($map); echo count($map), ' ', array_sum(array_map(fn($v) => $v % 97, array_filter($map, fn($v) => $v % 2))), ' ', $a[150000], "\n";
