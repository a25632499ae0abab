#include "device/uring_device.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/monotonic_clock.h"
#include "runtime/intrusive_list.h"
#include "runtime/wake_event.h"

#if FERRITE_URING
#include <liburing.h>
#endif

namespace ferrite::engine {

#if FERRITE_URING
namespace {

constexpr unsigned kEntries = 256;
/// Completions are posted whenever the thread is in the kernel anyway, asleep or not: only then does the ring's own
/// descriptor tell of them, which a ring of deferred work does not.
constexpr unsigned kTunedLane = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;

/// The device's own ring goes from thread to thread, so nothing of it may be left to one of them: no flags.
int set_up(io_uring& ring, unsigned entries, unsigned flags = 0) noexcept {
  const int tuned = ::io_uring_queue_init(entries, &ring, flags);
  return tuned == -EINVAL ? ::io_uring_queue_init(entries, &ring, 0) : tuned;
}

/// How a write is made durable. Which is faster depends on the drive (one that can write through its cache needs no
/// flush) and on the file system, so both are tried and the faster one stays.
enum class DurableForm : std::uint8_t { kWriteThrough, kLinkedFlush };

class DurableChoice {
 public:
  /// For the next durable write; there is one at a time as a rule, and a write beside it only blurs the trial.
  [[nodiscard]] DurableForm form() noexcept {
    if (trials_ == kTrials) return chosen_;
    begun_ns_ = base::monotonic_ns();
    current_ = trials_ % 2 == 0 ? DurableForm::kWriteThrough : DurableForm::kLinkedFlush;
    return current_;
  }
  void finished() noexcept {
    if (trials_ == kTrials || begun_ns_ == 0) return;
    const std::uint64_t took = std::min<std::uint64_t>(base::monotonic_ns() - std::exchange(begun_ns_, 0), kOutlierNs);
    (current_ == DurableForm::kLinkedFlush ? linked_ns_ : through_ns_) += took;
    if (++trials_ == kTrials) {
      chosen_ = linked_ns_ < through_ns_ ? DurableForm::kLinkedFlush : DurableForm::kWriteThrough;
    }
  }

 private:
  static constexpr unsigned kTrials = 64;
  static constexpr std::uint64_t kOutlierNs = 2'000'000;
  unsigned trials_ = 0;
  std::uint64_t begun_ns_ = 0;
  std::uint64_t through_ns_ = 0;
  std::uint64_t linked_ns_ = 0;
  DurableForm current_ = DurableForm::kWriteThrough;
  DurableForm chosen_ = DurableForm::kWriteThrough;
};

/// Not the device's doing: interrupted, or withdrawn because the thread that had submitted it has ended. The kernel calls
/// a linked request of such a thread a bad address, which our memory never is.
bool undone(int result) noexcept {
  return result == -EINTR || result == -EAGAIN || result == -ECANCELED || result == -EFAULT;
}

/// Takes note of a result; false when the request must be submitted again.
bool settle(IoRequest& request, int result) noexcept {
  if (undone(result)) return false;
  request.error = result < 0 ? -result : 0;
  if (result < 0 || request.kind == IoKind::kFlush) return true;
  request.progress += static_cast<std::uint32_t>(result);
  if (result == 0) request.error = EIO;
  return result == 0 || request.progress >= request.length;
}

/// Reads on a ring of its own over the same open file.
class UringLane final : public ReadLane {
 public:
  UringLane(int fd, io_uring ring) noexcept : fd_(fd), ring_(ring) {
    fixed_ = ::io_uring_register_files(&ring_, &fd_, 1) == 0;
  }
  ~UringLane() override {
    ::io_uring_queue_exit(&ring_);
    ::close(fd_);
  }

  int fd() const noexcept override { return ring_.ring_fd; }
  void submit(IoRequest& request) noexcept override {
    request.progress = 0;
    submitted_.push(&request);
  }
  void enter() noexcept override {
    prepare();
    if (::io_uring_sq_ready(&ring_) > 0) ::io_uring_submit(&ring_);
  }
  void poll() noexcept override {
    enter();
    while (in_flight_ > 0 && reap()) enter();
  }
  void wait(const Patience& patience) noexcept override {
    if (patience.spin_ns > 0 && spin(patience.spin_ns)) return;
    prepare();
    if (in_flight_ > 0) sleep(patience.sleep_ns);
    reap();
  }

 private:
  void prepare() noexcept {
    while (!submitted_.empty() && in_flight_ < kEntries) {
      io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
      if (sqe == nullptr) return;
      IoRequest* request = submitted_.pop();
      ::io_uring_prep_read(sqe, fixed_ ? 0 : fd_, request->buffer + request->progress,
                           request->length - request->progress, request->offset + request->progress);
      if (fixed_) ::io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
      ::io_uring_sqe_set_data(sqe, request);
      ++in_flight_;
    }
  }

  // True when something finished in time. The kernel is entered only for what it has to do.
  bool spin(std::uint64_t limit_ns) noexcept {
    enter();
    for (const std::uint64_t end = base::monotonic_ns() + limit_ns; in_flight_ > 0;) {
      if ((__atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_TASKRUN) != 0) ::io_uring_get_events(&ring_);
      if (reap()) return true;
      if (base::monotonic_ns() >= end) return false;
    }
    return false;
  }

  void sleep(std::uint64_t limit_ns) noexcept {
    if (limit_ns == Patience::kForever) {
      ::io_uring_submit_and_wait(&ring_, 1);
      return;
    }
    __kernel_timespec limit{static_cast<std::int64_t>(limit_ns / 1'000'000'000),
                            static_cast<long long>(limit_ns % 1'000'000'000)};
    io_uring_cqe* first = nullptr;
    ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
  }

  /// False when nothing had finished.
  bool reap() noexcept {
    bool any = false;
    io_uring_cqe* batch[64];
    while (const unsigned count = ::io_uring_peek_batch_cqe(&ring_, batch, 64)) {
      any = true;
      runtime::IntrusiveList<IoRequest> finished;
      for (unsigned i = 0; i < count; ++i) {
        auto* request = static_cast<IoRequest*>(::io_uring_cqe_get_data(batch[i]));
        --in_flight_;
        (settle(*request, batch[i]->res) ? finished : submitted_).push(request);
      }
      ::io_uring_cq_advance(&ring_, count);
      while (IoRequest* request = finished.pop()) request->done(*request);
    }
    return any;
  }

  int fd_;
  io_uring ring_;
  runtime::IntrusiveList<IoRequest> submitted_;
  unsigned in_flight_ = 0;
  bool fixed_ = false;
};

class UringDevice final : public BlockDevice {
 public:
  UringDevice(ImageFile image, io_uring ring) noexcept : image_(std::move(image)), ring_(ring) {
    const int fd = image_.fd();
    fixed_ = ::io_uring_register_files(&ring_, &fd, 1) == 0;
  }

  ~UringDevice() override { ::io_uring_queue_exit(&ring_); }

  DeviceKind kind() const noexcept override { return DeviceKind::kUring; }
  std::uint64_t size_bytes() const noexcept override { return image_.size_bytes(); }
  DurabilityContract durability() const noexcept override { return image_.durability(); }
  bool allocates_on_write() const noexcept override { return !image_.is_block_device(); }

  std::unique_ptr<ReadLane> open_lane() override {
    const int fd = ::fcntl(image_.fd(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return nullptr;
    io_uring ring{};
    if (set_up(ring, kEntries, kTunedLane) < 0) {
      ::close(fd);
      return nullptr;
    }
    return std::make_unique<UringLane>(fd, ring);
  }

  void submit(IoRequest& request) noexcept override {
    request.progress = 0;
    submitted_.push(&request);
  }

  void poll() noexcept override {
    prepare();
    if (::io_uring_sq_ready(&ring_) > 0) ::io_uring_submit(&ring_);
    reap();
  }

  void park(int timeout_ms) noexcept override {
    prepare();
    if (!listening_) {
      if (io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_)) {
        ::io_uring_prep_poll_add(sqe, event_.fd(), POLLIN);
        ::io_uring_sqe_set_data(sqe, nullptr);
        listening_ = true;
      }
    }
    io_uring_cqe* cqe = nullptr;
    if (timeout_ms < 0) {
      ::io_uring_submit_and_wait(&ring_, 1);
    } else {
      __kernel_timespec limit{timeout_ms / 1000, (timeout_ms % 1000) * 1000000LL};
      ::io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &limit, nullptr);
    }
    reap();
  }

  void wake() noexcept override { event_.signal(); }

 private:
  // Turns as many requests into submission entries as fit; the rest waits for completions.
  void prepare() noexcept {
    while (!submitted_.empty() && in_flight_ + 1 < kEntries) {
      if (::io_uring_sq_space_left(&ring_) < 2) ::io_uring_submit(&ring_);
      if (::io_uring_sq_space_left(&ring_) < 2) return;
      io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
      IoRequest* request = submitted_.pop();
      const int fd = fixed_ ? 0 : image_.fd();
      std::uint8_t* place = request->buffer + request->progress;
      const std::uint32_t left = request->length - request->progress;
      const std::uint64_t offset = request->offset + request->progress;
      switch (request->kind) {
        case IoKind::kRead:
          ::io_uring_prep_read(sqe, fd, place, left, offset);
          break;
        case IoKind::kWrite:
          ::io_uring_prep_write(sqe, fd, place, left, offset);
          break;
        case IoKind::kWriteDurable:
          ::io_uring_prep_write(sqe, fd, place, left, offset);
          if (durable_.form() == DurableForm::kLinkedFlush) {
            prepare_linked_flush(*sqe, fd, *request);
            continue;
          }
          sqe->rw_flags = RWF_DSYNC;
          break;
        case IoKind::kFlush:
          ::io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
          break;
      }
      if (fixed_) ::io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
      ::io_uring_sqe_set_data(sqe, request);
      ++in_flight_;
    }
  }

  void reap() noexcept {
    io_uring_cqe* batch[64];
    while (const unsigned count = ::io_uring_peek_batch_cqe(&ring_, batch, 64)) {
      runtime::IntrusiveList<IoRequest> finished;
      for (unsigned i = 0; i < count; ++i) take(*batch[i], finished);
      ::io_uring_cq_advance(&ring_, count);
      while (IoRequest* request = finished.pop()) {
        if (request->kind == IoKind::kWriteDurable) durable_.finished();
        request->done(*request);
      }
    }
  }

  void take(const io_uring_cqe& cqe, runtime::IntrusiveList<IoRequest>& finished) noexcept {
    auto* request = static_cast<IoRequest*>(::io_uring_cqe_get_data(&cqe));
    if (request == nullptr) {
      listening_ = false;
      event_.clear();
      return;
    }
    --in_flight_;
    const auto data = reinterpret_cast<std::uintptr_t>(request);
    if ((data & kPartMask) == 0) {
      (settle(*request, cqe.res) ? finished : submitted_).push(request);
      return;
    }
    request = reinterpret_cast<IoRequest*>(data & ~kPartMask);
    if ((data & kPartMask) == kLinkedWrite) {
      static_cast<void>(settle(*request, cqe.res));  // the flush behind it ends or repeats the request
      return;
    }
    const bool written = request->progress == request->length;
    if (request->error == 0 && written && undone(cqe.res)) request->progress = 0;
    if (request->error == 0 && request->progress < request->length) {
      submitted_.push(request);
      return;
    }
    if (request->error == 0 && cqe.res < 0) request->error = -cqe.res;
    finished.push(request);
  }

  // The write and, once it is done, a flush: both go out together, and only the flush's end is waited for.
  void prepare_linked_flush(io_uring_sqe& write, int fd, IoRequest& request) noexcept {
    const auto data = reinterpret_cast<std::uintptr_t>(&request);
    const unsigned fixed = fixed_ ? IOSQE_FIXED_FILE : 0U;
    ::io_uring_sqe_set_flags(&write, fixed | IOSQE_IO_LINK);
    ::io_uring_sqe_set_data(&write, reinterpret_cast<void*>(data | kLinkedWrite));
    io_uring_sqe* flush = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_fsync(flush, fd, IORING_FSYNC_DATASYNC);
    ::io_uring_sqe_set_flags(flush, fixed);
    ::io_uring_sqe_set_data(flush, reinterpret_cast<void*>(data | kLinkedFlush));
    in_flight_ += 2;
  }

  static constexpr std::uintptr_t kLinkedWrite = 1;
  static constexpr std::uintptr_t kLinkedFlush = 2;
  static constexpr std::uintptr_t kPartMask = 3;

  DurableChoice durable_;
  ImageFile image_;
  io_uring ring_;
  runtime::WakeEvent event_;
  runtime::IntrusiveList<IoRequest> submitted_;
  unsigned in_flight_ = 0;
  bool fixed_ = false;
  bool listening_ = false;
};

}  // namespace

base::Result<std::unique_ptr<BlockDevice>> open_uring_device(ImageFile& image) {
  io_uring ring{};
  const int refused = set_up(ring, kEntries);
  if (refused < 0) return base::Status(base::Reason::kDeviceFailed, "the kernel refuses io_uring", -refused);
  return std::unique_ptr<BlockDevice>(std::make_unique<UringDevice>(std::move(image), ring));
}

UringSupport probe_uring() {
  io_uring ring{};
  const int refused = set_up(ring, 2);
  if (refused >= 0) {
    ::io_uring_queue_exit(&ring);
    return {true, 0, "", ""};
  }
  UringSupport support;
  support.error = -refused;
  support.reason = std::string("io_uring_setup: ") + std::strerror(-refused);
  support.mend = refused == -ENOMEM ? "raise the locked-memory limit: ulimit -l unlimited"
                 : refused == -ENOSYS
                     ? "run a Linux kernel of 5.10 or later with io_uring"
                     : "allow io_uring: sysctl kernel.io_uring_disabled=0, and a container profile that permits it";
  return support;
}

#else

base::Result<std::unique_ptr<BlockDevice>> open_uring_device(ImageFile&) {
  return base::Status(base::Reason::kDeviceFailed, "this build has no io_uring", ENOSYS);
}

UringSupport probe_uring() {
  return {false, ENOSYS, "this build has no io_uring", "apt install liburing-dev, then build again"};
}

#endif

}  // namespace ferrite::engine
