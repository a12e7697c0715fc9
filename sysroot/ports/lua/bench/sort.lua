local x, t = 42, {}
for i = 1, 400000 do x = (x * 1103515245 + 12345) % 2147483648; t[i] = x end
table.sort(t)
local words = {}
for i = 1, 60000 do words[i] = ("%08x"):format(t[i * 5] * 2654435761 % 4294967296) end
table.sort(words, function(a, b) return a:reverse() < b:reverse() end)
print(t[1], t[150000], words[1], words[30000])
