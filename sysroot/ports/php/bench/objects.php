<?php
abstract class Node { abstract function value(): int; }
final class Leaf extends Node { function __construct(private int $n) {} function value(): int { return $this->n; } }
final class Sum extends Node { function __construct(private Node $a, private Node $b) {} function value(): int { return ($this->a->value() + $this->b->value()) % 1000003; } }
function tree(int $depth, int $n): Node { return $depth === 0 ? new Leaf($n) : new Sum(tree($depth - 1, $n * 2), tree($depth - 1, $n * 2 + 1)); }
$total = 0; for ($i = 0; $i < 20; $i++) $total += tree(15, $i)->value();
$fn = fn($x) => $x * 2; for ($i = 0; $i < 4000000; $i++) $total = ($total + $fn($i)) % 1000003;
echo $total, "\n";
