<?php
echo "Hello, ", $argv[1] ?? "nobody", "!\n";
