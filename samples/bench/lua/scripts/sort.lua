-- Tables and comparisons: quicksort in Lua and the library's sort, on numbers from a linear congruential generator.
local percent = tonumber(arg[1]) or 100
local seed = 42
local function random(limit)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed % limit
end

local function quicksort(list, low, high)
  while low < high do
    local pivot, i, j = list[(low + high) // 2], low, high
    repeat
      while list[i] < pivot do i = i + 1 end
      while list[j] > pivot do j = j - 1 end
      if i <= j then
        list[i], list[j] = list[j], list[i]
        i, j = i + 1, j - 1
      end
    until i > j
    quicksort(list, low, j)
    low = i
  end
end

local sum = 0
for round = 1, 4 do
  local mine, library = {}, {}
  for i = 1, 2000 * percent do
    mine[i] = random(1000000)
    library[i] = mine[i]
  end
  quicksort(mine, 1, #mine)
  table.sort(library, function(a, b) return a < b end)
  for i = 1, #mine do
    assert(mine[i] == library[i])
  end
  sum = sum + mine[10 * percent * round]
end
print(sum)
