"""How Switchboard is run: on one machine (`local`), and the files that containers use."""
