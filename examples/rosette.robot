# A rosette of twelve petals, each mode in turn.
start
set water
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set soap
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set brush
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set water
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set soap
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set brush
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set water
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set soap
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set brush
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set water
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set soap
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
set brush
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; move 1; turn 10; turn 90
turn 30
stop
