# A square of 10 by 10, its third side cleaned with soap.
move 10; turn 90
move 10; turn 90
set soap; start
move 10; turn 90
stop
move 10; turn 90
