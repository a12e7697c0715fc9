local function numbers(n) return coroutine.wrap(function() for i = 2, n do coroutine.yield(i) end end) end
local function filter(p, source) return coroutine.wrap(function() for i in source do if i % p ~= 0 then coroutine.yield(i) end end end) end
local sum = 0
for _ = 1, 1500 do
  local source = numbers(2000)
  for _ = 1, 60 do local p = source(); sum = sum + p; source = filter(p, source) end
end
print(sum)
