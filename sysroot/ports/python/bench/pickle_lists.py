# Pickling.
import pickle

class Item:
    def __init__(self, i):
        self.name, self.values, self.next = f"item {i}", tuple(range(i % 10)), None

items = [Item(i) for i in range(3000)]
for a, b in zip(items, items[1:]):
    a.next = b if b.name[-1] != "7" else None
size = 0
for protocol in (2, 4, 5) * 50:
    data = pickle.dumps([(i.name, i.values) for i in items] + items[-20:], protocol)
    size += len(data) + len(pickle.loads(data))
print(size)
