#include <thread>

#include "runtime/intrusive_list.h"
#include "runtime/spsc_ring.h"
#include "runtime/wake_event.h"
#include "testing/check.h"

using namespace ferrite::runtime;

TEST("a ring hands every value over once and in order between two threads") {
  SpscRing<int> ring(8);
  WakeEvent room;
  std::thread producer([&] {
    for (int i = 0; i < 20000; ++i) {
      if (i % 8 == 0 && i > 0) room.wait(-1);
      ring.push(int{i});
    }
  });
  for (int expected = 0; expected < 20000;) {
    int value = -1;
    if (!ring.pop(value)) {
      std::this_thread::yield();
      continue;
    }
    EXPECT(value == expected);
    if (++expected % 8 == 0) room.signal();
  }
  producer.join();
  EXPECT(ring.empty());
}

TEST("a signal given before the sleep ends it at once") {
  WakeEvent event;
  event.signal();
  event.signal();
  event.wait(-1);
  event.wait(0);
}

TEST("a list keeps order when another is taken into it") {
  struct Item {
    int value;
    Item* next;
  };
  Item items[4] = {{0, nullptr}, {1, nullptr}, {2, nullptr}, {3, nullptr}};
  IntrusiveList<Item> a;
  IntrusiveList<Item> b;
  a.push(&items[0]);
  b.push(&items[1]);
  b.push(&items[2]);
  a.take(b);
  a.push(&items[3]);
  EXPECT(b.empty() && a.size() == 4);
  for (int i = 0; i < 4; ++i) EXPECT(a.pop()->value == i);
  EXPECT(a.pop() == nullptr && a.empty());
}
