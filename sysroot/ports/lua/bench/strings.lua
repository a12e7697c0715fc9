local parts, count = {}, 0
for i = 1, 40000 do parts[#parts + 1] = ("key%d=value-%x;"):format(i, i * 7919) end
local text = table.concat(parts)
for _ = 1, 9 do
  for k, v in text:gmatch("(%w+)=([%w-]+);") do count = count + #k + #v end
  count = count + #text:gsub("%d+", function(d) return d + 1 end)
  count = count + select(2, text:upper():gsub("VALUE", "%0"))
end
print(count)
