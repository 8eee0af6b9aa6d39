package robot.client;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import robot.v1.Robot.RobotCommand;

/** The commands that are unanswered, in the order of sending, and how many there may be. */
final class Window {
  private final int unansweredMax;
  private final LinkedHashMap<Long, RobotCommand> unanswered = new LinkedHashMap<>();

  Window(int unansweredMax) {
    this.unansweredMax = unansweredMax;
  }

  boolean isEmpty() {
    return unanswered.isEmpty();
  }

  /** A message of more than may be unanswered has room when nothing is. */
  boolean hasRoomFor(int commands) {
    return unanswered.isEmpty() || unanswered.size() + commands <= unansweredMax;
  }

  /** All of them, or, if an id is that of another, none. */
  void add(List<RobotCommand> commands) {
    var ids = new HashSet<Long>();
    for (var command : commands) {
      if (unanswered.containsKey(command.getId()) || !ids.add(command.getId())) {
        throw new IllegalArgumentException(
            "a command of id %s is unanswered already; ids must be unique among those"
                .formatted(Long.toUnsignedString(command.getId())));
      }
    }
    commands.forEach(command -> unanswered.put(command.getId(), command));
  }

  /** False: there is no such command. */
  boolean answered(long id) {
    return unanswered.remove(id) != null;
  }

  List<RobotCommand> unanswered() {
    return List.copyOf(unanswered.values());
  }
}
