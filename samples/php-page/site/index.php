<?php
declare(strict_types=1);

// The page's parameters: from the web server's query, or from the command line as topic=NAME.
parse_str(PHP_SAPI === 'cli' ? implode('&', array_slice($argv, 1)) : '', $words);
$topic = $_GET['topic'] ?? $words['topic'] ?? null;

$db = new PDO('sqlite:' . __DIR__ . '/books.db', options: [
    PDO::SQLITE_ATTR_OPEN_FLAGS => PDO::SQLITE_OPEN_READONLY,
    PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_OBJ,
]);

/** @return iterable<object> */
function books(PDO $db, ?string $topic): iterable
{
    $query = $db->prepare(
        'select book.title, book.author, book.year, topic.name as topic
         from book join topic on topic.id = book.topic
         where :topic is null or topic.name = :topic
         order by topic.name, book.year'
    );
    $query->execute(['topic' => $topic]);
    yield from $query;
}

$text = fn (string|int $value): string => htmlspecialchars((string) $value);
$shown = null;
?>
<!doctype html>
<title>Books</title>
<?php foreach (books($db, $topic) as $book): ?>
<?php if ($book->topic !== $shown): ?>
<h2><?= $text($shown = $book->topic) ?></h2>
<?php endif ?>
<p><cite><?= $text($book->title) ?></cite>, <?= $text($book->author) ?> (<?= $text($book->year) ?>)</p>
<?php endforeach ?>
<footer><?= $db->query('select count(*) from book')->fetchColumn() ?> books</footer>
