// World to clip space; the pictures of this project have their first row at the top, and so have GL's rows here.
uniform mat4 clip_world;
in vec3 position;

void main() {
    gl_Position = clip_world * vec4(position, 1.0);
}
