// Many commands over ExecuteStream, for as long as there are any: sends and receives at the same time, bounds
// what is unanswered, and when a stream breaks opens another one and sends what is unanswered again. Made to
// be copied, together with robot_client.hpp. It knows nothing of what commands mean.
//
// Two threads a session: one reads, and opens the streams; one a stream writes. send() only hands over, and
// waits while the window is full, so a slow server slows its caller down and nothing piles up.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "robot_client.hpp"

namespace robot {

struct SessionOptions {
  std::size_t window_commands_max = 256;  // commands that may be unanswered; a larger message goes alone
  unsigned barren_streams_max = 3;  // streams in a row that broke without a new result: then it gives up
  std::chrono::milliseconds connect_max{10'000};
  std::chrono::milliseconds backoff_min{50};  // twice as long after each barren stream
  std::chrono::milliseconds backoff_max{2'000};
  std::optional<std::chrono::system_clock::time_point> deadline;  // of the session as a whole
  std::multimap<std::string, std::string> metadata;
};

// Called from the session's reading thread; they must not throw, and may call anything here that does not
// wait.
struct SessionCallbacks {
  std::function<void(const v1::RobotResult&)> on_result;  // each command once, in any order
  std::function<void(const grpc::Status&, std::size_t unanswered)>
      on_stream_end;  // to log it, say; may be empty
};

class Session {
 public:
  // The client must outlive the session. The first stream is opened when there is something to send.
  Session(const Client& client, SessionOptions options, SessionCallbacks callbacks)
      : client_(client),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        reader_([this] { run(); }) {}

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ~Session() {
    cancel();
    reader_.join();
  }

  // Waits for room, then hands over one message. The ids must differ from those of all unanswered commands:
  // that is how results are matched. False: the session has ended, and wait() says why.
  bool send(v1::ExecuteStreamRequest message) {
    std::unique_lock lock(mutex_);
    const auto count = static_cast<std::size_t>(message.commands_size());
    changed_.wait(lock, [&] {
      return over() || unanswered_.empty() || unanswered_.size() + count <= options_.window_commands_max;
    });
    if (over() || half_closed_) return false;
    for (const v1::RobotCommand& command : message.commands()) {
      if (unanswered_.emplace(command.id(), command).second) continue;
      stop({grpc::StatusCode::INVALID_ARGUMENT,
            "id " + std::to_string(command.id()) + " is unanswered already"});
      return false;
    }
    unsent_.push_back(std::move(message));
    changed_.notify_all();
    return true;
  }

  // Waits until all that was sent is answered. False: the session ended before.
  bool wait_answered() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return over() || unanswered_.empty(); });
    return unanswered_.empty();
  }

  // Nothing more will be sent; waits for the rest of the results. OK: all was answered.
  grpc::Status finish() {
    {
      const std::lock_guard lock(mutex_);
      half_closed_ = true;
      changed_.notify_all();
    }
    return wait();
  }

  // Waits for the end without asking for it.
  grpc::Status wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_.has_value(); });
    return *ended_;
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    stop(grpc::Status::CANCELLED);
  }

  // What has no result yet; after the end, what never got one.
  std::vector<v1::RobotCommand> unanswered() const {
    const std::lock_guard lock(mutex_);
    std::vector<v1::RobotCommand> commands;
    for (const auto& [id, command] : unanswered_) commands.push_back(command);
    return commands;
  }

 private:
  using Stream = grpc::ClientReaderWriter<v1::ExecuteStreamRequest, v1::ExecuteStreamResponse>;
  using Clock = std::chrono::system_clock;

  // The reading thread: one stream after another.
  void run() {
    grpc::Status end = grpc::Status::OK;
    unsigned barren = 0;
    while (wait_for_work()) {
      const std::uint64_t answered_before = answered_;
      const grpc::Status status = run_stream();
      const std::size_t left = unanswered_count();
      if (callbacks_.on_stream_end) callbacks_.on_stream_end(status, left);
      barren = left == 0 || answered_ > answered_before ? 0 : barren + 1;
      if (!resending_helps(status.error_code()) || barren >= options_.barren_streams_max) {
        end = status;
        break;
      }
      if (!status.ok()) back_off(barren);
    }
    const std::lock_guard lock(mutex_);
    ended_ = stopped_.value_or(end);
    changed_.notify_all();
  }

  std::size_t unanswered_count() const {
    const std::lock_guard lock(mutex_);
    return unanswered_.size();
  }

  // A stream is opened only for commands: false once no more will come.
  bool wait_for_work() {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return stopped_ || half_closed_ || !unanswered_.empty(); };
    if (!options_.deadline) {
      changed_.wait(lock, ready);
    } else if (!changed_.wait_until(lock, *options_.deadline, ready)) {
      stop({grpc::StatusCode::DEADLINE_EXCEEDED, "the session's deadline has passed"});
    }
    return !stopped_ && !unanswered_.empty();
  }

  grpc::Status run_stream() {
    if (grpc::Status status = connect(); !status.ok()) return status;
    grpc::ClientContext context;
    client_.authorize(context);
    for (const auto& [key, value] : options_.metadata) context.AddMetadata(key, value);
    if (options_.deadline) context.set_deadline(*options_.deadline);
    const std::unique_ptr<Stream> stream = client_.stub().ExecuteStream(&context);
    begin_stream(context);
    std::thread writer([&] { write(*stream); });
    v1::ExecuteStreamResponse response;
    while (stream->Read(&response)) take(response);
    close_writer();
    writer.join();
    return end_stream(stream->Finish());
  }

  // gRPC connects by itself; here is the bound, in slices so that cancel() does not wait for it.
  grpc::Status connect() {
    const auto limit = Clock::now() + options_.connect_max;
    const auto until = options_.deadline ? std::min(*options_.deadline, limit) : limit;
    for (auto now = Clock::now(); now < until; now = Clock::now()) {
      if (client_.channel().WaitForConnected(std::min(until, now + std::chrono::milliseconds(100))))
        return grpc::Status::OK;
      const std::lock_guard lock(mutex_);
      if (stopped_) return *stopped_;
    }
    if (until != limit) return {grpc::StatusCode::DEADLINE_EXCEEDED, "the session's deadline has passed"};
    return {grpc::StatusCode::UNAVAILABLE, "no connection in time"};
  }

  void begin_stream(grpc::ClientContext& context) {
    const std::lock_guard lock(mutex_);
    context_ = &context;
    open_ = true;
    if (stopped_) context.TryCancel();
  }

  // Whatever is unanswered will go out again, one command a message: that is always within the limits.
  grpc::Status end_stream(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    unsent_.clear();
    for (const auto& [id, command] : unanswered_) *unsent_.emplace_back().add_commands() = command;
    if (!status.ok() || unanswered_.empty()) return status;
    return {grpc::StatusCode::INTERNAL, "the stream ended OK before all was answered"};
  }

  // The writing thread of one stream.
  void write(Stream& stream) {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return !open_ || half_closed_ || !unsent_.empty(); });
      if (!open_) return;
      if (unsent_.empty()) break;
      const v1::ExecuteStreamRequest message = std::move(unsent_.front());
      unsent_.pop_front();
      lock.unlock();
      if (!stream.Write(message)) return;  // the reader learns why
      lock.lock();
    }
    lock.unlock();
    stream.WritesDone();
  }

  void close_writer() {
    const std::lock_guard lock(mutex_);
    open_ = false;
    changed_.notify_all();
  }

  void take(const v1::ExecuteStreamResponse& response) {
    for (const v1::RobotResult& result : response.results()) {
      {
        const std::lock_guard lock(mutex_);
        if (unanswered_.count(result.id()) == 0) {
          stop({grpc::StatusCode::INTERNAL,
                "a result for id " + std::to_string(result.id()) + ", which is not unanswered"});
          return;
        }
      }
      callbacks_.on_result(result);
      const std::lock_guard lock(mutex_);
      unanswered_.erase(result.id());
      ++answered_;
    }
    changed_.notify_all();
  }

  void back_off(unsigned barren) {
    const auto longest = std::min(options_.backoff_min * (1 << std::min(barren, 10U)), options_.backoff_max);
    const auto wait = longest * std::uniform_real_distribution<>(0.5, 1.0)(random_);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [&] { return stopped_.has_value(); });
  }

  // Sending pure commands again never does harm; the question is only whether it can help.
  static bool resending_helps(grpc::StatusCode code) {
    switch (code) {
      case grpc::StatusCode::OK:
      case grpc::StatusCode::UNAVAILABLE:
      case grpc::StatusCode::INTERNAL:
      case grpc::StatusCode::UNKNOWN:
      case grpc::StatusCode::ABORTED:
      case grpc::StatusCode::CANCELLED:  // by the other side: after cancel() no stream is opened
        return true;
      default:
        return false;
    }
  }

  // These two want the lock held.
  bool over() const { return stopped_ || ended_; }
  void stop(grpc::Status why) {
    if (!stopped_) stopped_ = std::move(why);
    if (context_ != nullptr) context_->TryCancel();
    changed_.notify_all();
  }

  const Client& client_;
  const SessionOptions options_;
  const SessionCallbacks callbacks_;
  std::minstd_rand random_{std::random_device{}()};  // of the reading thread, like answered_
  std::uint64_t answered_ = 0;

  mutable std::mutex mutex_;         // guards all that follows
  std::condition_variable changed_;  // told of every change below
  std::map<std::uint64_t, v1::RobotCommand> unanswered_;
  std::deque<v1::ExecuteStreamRequest> unsent_;  // bounded: each of its commands is in unanswered_
  grpc::ClientContext* context_ = nullptr;       // of the open stream
  bool open_ = false;
  bool half_closed_ = false;
  std::optional<grpc::Status> stopped_;  // by the caller or a fault: nothing more is tried
  std::optional<grpc::Status> ended_;

  std::thread reader_;  // last: it starts when all else is there
};

}  // namespace robot
