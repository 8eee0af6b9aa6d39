# A lawn-mower sweep of a room of 20 by 12: soap there, and at the end along the last wall with the brush.
set soap; start
move 20; turn 90; move 2; turn 90
move 20; turn -90; move 2; turn -90
move 20; turn 90; move 2; turn 90
move 20; turn -90; move 2; turn -90
move 20; turn 90; move 2; turn 90
move 20; turn -90; move 2; turn -90
move 20; stop
turn -90; set brush; start; move 12; stop
