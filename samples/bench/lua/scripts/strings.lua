-- Strings: building, matching, replacing, formatting.
local percent = tonumber(arg[1]) or 400
local words = { "bundle", "trampoline", "channel", "manifest", "relocation", "validator" }
local parts = {}
for i = 1, 600 * percent do
  parts[#parts + 1] = string.format("%s-%d=%05.2f", words[i % #words + 1], i, i / 7)
end
local text = table.concat(parts, ";")

local counts, total = {}, 0
for word, number, value in text:gmatch("(%a+)-(%d+)=([%d.]+)") do
  counts[word] = (counts[word] or 0) + tonumber(number)
  total = total + tonumber(value)
end
for _, word in ipairs(words) do
  print(word, counts[word])
end
print(string.format("%.2f", total))

local changed, replaced = text:gsub("%d+%.%d+", function(digits) return "<" .. digits:reverse() .. ">" end)
print(#changed, replaced)

local upper = 0
for round = 1, 20 do
  upper = upper + select(2, text:upper():gsub("CHANNEL", "")) + (text:find("validator-59999", 1, true) or 0)
end
print(upper)

local bytes = 0
for i = 1, #text do
  bytes = (bytes * 31 + text:byte(i)) % 1000000007
end
print(bytes)
