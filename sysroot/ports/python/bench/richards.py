# A small operating system of objects that send each other packets: methods and attributes.
class Packet:
    __slots__ = ("link", "kind", "data")
    def __init__(self, link, kind):
        self.link, self.kind, self.data = link, kind, [0] * 4

class Task:
    def __init__(self, priority):
        self.priority, self.queue, self.done = priority, None, 0
    def put(self, packet):
        packet.link, self.queue = self.queue, packet
    def take(self):
        packet = self.queue
        self.queue = packet.link
        return packet
    def step(self, system):
        raise NotImplementedError

class Idle(Task):
    def step(self, system):
        self.done += 1
        system.send((self.done * 7 + 3) % len(system.tasks), Packet(None, self.done & 3))

class Worker(Task):
    def step(self, system):
        if self.queue is None:
            return
        packet = self.take()
        for i in range(4):
            packet.data[i] = (packet.data[i] + self.done + i) % 26
        self.done += 1
        system.send((self.priority + packet.data[0] + 1) % len(system.tasks), packet)

class Device(Task):
    def step(self, system):
        while self.queue is not None:
            packet = self.take()
            self.done += packet.data[1] + 1

class System:
    def __init__(self):
        self.tasks = [Idle(0), Worker(1), Worker(2), Device(3), Device(4)]
    def send(self, number, packet):
        task = self.tasks[number]
        if isinstance(task, Idle):
            task = self.tasks[3]
        task.put(packet)
    def run(self, steps):
        for _ in range(steps):
            for task in self.tasks:
                task.step(self)
        return [task.done for task in self.tasks]

print(System().run(130000))
