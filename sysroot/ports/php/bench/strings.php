<?php
$parts = []; for ($i = 0; $i < 60000; $i++) $parts[] = sprintf("key%d=value-%x", $i, $i * 7919);
$text = implode(';', $parts); $n = 0;
for ($r = 0; $r < 10; $r++) {
    foreach (explode(';', $text) as $part) { [$k, $v] = explode('=', $part); $n += strlen($k) + crc32($v) % 7; }
    $n += strlen(str_replace(['key', 'value'], ['k', 'v'], $text)) + strlen(preg_replace('/(\d+)=/', '<$1>', $text)) + count(array_count_values(str_split($text, 3)));
}
echo $n, ' ', md5($text), "\n";
