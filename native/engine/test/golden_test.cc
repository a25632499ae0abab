// Images written by every released version of the format are opened, read and carried on. Each lies in test/golden as
// text: its size, then runs of equal 16-byte lines as "offset hex count"; all else is zero.
#include <fstream>

#include "core_driver.h"
#include "device/memory_device.h"
#include "testing/check.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

std::shared_ptr<base::AlignedBuffer> golden(const char* name) {
  std::ifstream file(std::string(FERRITE_GOLDEN) + "/" + name);
  std::size_t size = 0;
  EXPECT(static_cast<bool>(file >> size));
  auto disk = std::make_shared<base::AlignedBuffer>(size);
  std::size_t at = 0;
  std::string line;
  std::size_t count = 0;
  while (file >> at >> line >> count) {
    for (; count > 0; --count) {
      for (std::size_t i = 0; i < line.size(); i += 2, ++at) {
        disk->data()[at] = static_cast<std::uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16));
      }
    }
  }
  return disk;
}

OpenOptions small_options() {
  OpenOptions options;
  options.partition_bits = 2;
  return options;
}

void holds(CoreDriver& driver, bool last) {
  EXPECT(driver.get("bulk").value == std::string(33000, 'b') + "2");
  for (const int i : {0, 2, 4, 5}) EXPECT(driver.get("key" + std::to_string(i)).value == "value " + std::to_string(i));
  EXPECT(driver.get("key1").value == "newer");
  EXPECT(driver.get("empty").value == "");
  EXPECT(driver.get("key3").status.ok() && !driver.get("key3").value.has_value());
  EXPECT(driver.get("last").value.has_value() == last);
  for (int i = 0; i < 6; ++i) EXPECT(!driver.get("dropped" + std::to_string(i), 2).value.has_value());
}

// Opens, writes enough to fill and reuse segments, and opens twice more.
void carries_on(const char* name, bool clean) {
  const auto disk = golden(name);
  std::string value;
  for (int boot = 0; boot < 3; ++boot) {
    CoreDriver driver(small_options());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), false).ok());
    const OpenReport& report = driver.report();
    EXPECT(report.damaged.empty() && report.salvaged == 0 && report.tail == Tail::kSealed);
    EXPECT(report.clean == (boot == 0 ? clean : true));
    holds(driver, !clean);
    if (boot > 0) EXPECT(driver.get("new").value == value);
    for (int i = 0; i < 60; ++i) {
      value = std::string(6000, static_cast<char>('a' + i % 26)) + std::to_string(boot);
      EXPECT(driver.put("new", value, 1).ok());
      EXPECT(driver.wait().status.ok());
    }
    EXPECT(driver.close().ok());
  }
}

}  // namespace

TEST("an image of format version 1 that was closed cleanly is read and carried on") { carries_on("v1-clean.txt", true); }
TEST("an image of format version 1 that a crash left is read and carried on") { carries_on("v1-crashed.txt", false); }
TEST("an image of format version 2 that was closed cleanly is read and carried on") { carries_on("v2-clean.txt", true); }
TEST("an image of format version 2 that a crash left is read and carried on") { carries_on("v2-crashed.txt", false); }
TEST("an image of format version 3 that was closed cleanly is read and carried on") { carries_on("v3-clean.txt", true); }
TEST("an image of format version 3 that a crash left is read and carried on") { carries_on("v3-crashed.txt", false); }
