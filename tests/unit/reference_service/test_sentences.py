from fastspeech2.sentences import CLAUSE_PAUSE_S, LONGEST_PIECE, SENTENCE_PAUSE_S, Piece, split


def test_each_sentence_is_a_piece():
    assert [Piece("你好", SENTENCE_PAUSE_S), Piece("再见", SENTENCE_PAUSE_S)] == split("你好。再见。")


def test_short_clauses_stay_together():
    assert [Piece("天，地，人", SENTENCE_PAUSE_S)] == split("天，地，人")


def test_clauses_that_do_not_fit_are_separated_by_a_short_pause():
    clause = "天" * 20

    assert [Piece(clause, CLAUSE_PAUSE_S), Piece(clause, SENTENCE_PAUSE_S)] == split(f"{clause}，{clause}。")


def test_a_text_without_marks_is_cut_into_even_pieces_and_nothing_is_lost():
    text = "天地玄黄" * 125

    pieces = [piece.text for piece in split(text)]

    assert text == "".join(pieces)
    assert {LONGEST_PIECE - 1, LONGEST_PIECE} >= set(map(len, pieces))


def test_no_piece_is_longer_than_a_breath():
    text = "，".join("天" * length for length in range(1, 60))

    assert LONGEST_PIECE >= max(len(piece.text) for piece in split(text))


def test_nothing_has_no_pieces():
    assert [] == split("")
