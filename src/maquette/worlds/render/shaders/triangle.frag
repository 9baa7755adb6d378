// Which triangle a sample sees. Float32 holds whole numbers up to 2^24.
uniform float first;
out float triangle;

void main() {
    triangle = first + float(gl_PrimitiveID);
}
