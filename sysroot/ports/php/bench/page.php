<?php
$db = new PDO('sqlite::memory:'); $db->exec('create table t (id integer primary key, name text)');
$db->beginTransaction(); $s = $db->prepare('insert into t (name) values (?)'); for ($i = 0; $i < 20000; $i++) $s->execute(["name <$i>"]); $db->commit();
$size = 0;
for ($r = 0; $r < 25; $r++) {
    ob_start();
    foreach ($db->query('select * from t order by name') as $row) echo '<li>', htmlspecialchars($row['name']), ' ', number_format($row['id'] * 1.5, 2), "</li>\n";
    $size += strlen(gzcompress(ob_get_clean(), 1)) > 0 ? $row['id'] : 0;
}
echo $size, ' ', strlen(json_encode($db->query('select * from t')->fetchAll(PDO::FETCH_ASSOC))), "\n";
