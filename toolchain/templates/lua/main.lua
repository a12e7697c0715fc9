print(string.format("Hello, %s!", arg[1] or "nobody"))
