# JSON there and back.
import json

data = {f"key {i}": {"list": list(range(20)), "text": "é\n" * 5, "float": i / 7, "none": None} for i in range(300)}
size = 0
for _ in range(60):
    text = json.dumps(data)
    data = json.loads(text)
    size += len(text) + len(json.dumps(data, indent=2))
print(size)
