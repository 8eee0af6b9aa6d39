# A spiral outwards, cleaned with water at first and with the brush further out.
start
move 0.5; turn 62
move 1; turn 62
move 1.5; turn 62
move 2; turn 62
move 2.5; turn 62
move 3; turn 62
move 3.5; turn 62
move 4; turn 62
move 4.5; turn 62
move 5; turn 62
move 5.5; turn 62
move 6; turn 62
move 6.5; turn 62
move 7; turn 62
move 7.5; turn 62
move 8; turn 62
move 8.5; turn 62
move 9; turn 62
move 9.5; turn 62
move 10; turn 62
set brush
move 10.5; turn 62
move 11; turn 62
move 11.5; turn 62
move 12; turn 62
move 12.5; turn 62
move 13; turn 62
move 13.5; turn 62
move 14; turn 62
move 14.5; turn 62
move 15; turn 62
move 15.5; turn 62
move 16; turn 62
move 16.5; turn 62
move 17; turn 62
move 17.5; turn 62
move 18; turn 62
move 18.5; turn 62
move 19; turn 62
move 19.5; turn 62
move 20; turn 62
stop
