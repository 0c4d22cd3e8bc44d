"""What no lesson teaches: the codec's plain steps made fast. The same files, the same y_hat; each is tested
against its plain form.

``grouped_context``  the context's older neighbours for several steps of the wavefront in one product
``tiles``            big pictures through g_a and g_s in bounded memory
``transforms``       GDN in place, and g_s's last layer as an ordinary convolution
``trimming``         the fewest bytes that end a range coder's message
"""
