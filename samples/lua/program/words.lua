-- Prints the most frequent words of a text as a table.

local path, rows = arg[1], tonumber(arg[2] or 15)
if not path or not rows then
  io.stderr:write("usage: words.lua FILE [ROWS]\n")
  os.exit(2)
end

local counts, total, lines = {}, 0, 0
for line in assert(io.lines(path)) do
  lines = lines + 1
  for word in line:lower():gmatch("%a[%a'-]*") do
    counts[word] = (counts[word] or 0) + 1
    total = total + 1
  end
end

local words = {}
for word in pairs(counts) do
  words[#words + 1] = word
end
-- By count, then by name: the order of pairs() says nothing.
table.sort(words, function(a, b)
  if counts[a] ~= counts[b] then
    return counts[a] > counts[b]
  end
  return a < b
end)

local shown = math.min(rows, #words)
local width = 4
for i = 1, shown do
  width = math.max(width, #words[i])
end

print(("%s: %d lines, %d words, %d different"):format(path, lines, total, #words))
print()
print(("%4s  %-" .. width .. "s  %5s  %6s"):format("rank", "word", "count", "share"))
print(("%s  %s  %s  %s"):format(("-"):rep(4), ("-"):rep(width), ("-"):rep(5), ("-"):rep(6)))
for i = 1, shown do
  local word = words[i]
  local count = counts[word]
  local bar = ("#"):rep(math.floor(count * 40 / counts[words[1]] + 0.5))
  print(("%4d  %-" .. width .. "s  %5d  %5.2f%%  %s"):format(i, word, count, 100 * count / total, bar))
end
