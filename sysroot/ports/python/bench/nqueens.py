# Queens on a board: generators, sets, permutations.
from itertools import permutations

def queens(n):
    columns = range(n)
    for places in permutations(columns):
        if n == len({places[i] + i for i in columns}) == len({places[i] - i for i in columns}):
            yield places

print(len(list(queens(9))), next(queens(9)))
