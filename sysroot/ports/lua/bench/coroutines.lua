local function numbers(n) return coroutine.wrap(function() for i = 2, n do coroutine.yield(i) end end) end
local function filter(p, source) return coroutine.wrap(function() for i in source do if i % p ~= 0 then coroutine.yield(i) end end end) end
local source, last = numbers(9000), 0
for _ = 1, 250 do last = source(); source = filter(last, source) end
print(last)
